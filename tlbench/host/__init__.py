"""Find plugins, keep the broken ones with their cause, and look up what the others offer."""
