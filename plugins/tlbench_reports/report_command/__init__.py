"""Write the reports of results folders anew, or check those that are there against their records."""
