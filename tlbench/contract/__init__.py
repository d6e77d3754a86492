"""Define what plugins are made of and given: frozen types that load no torch."""
