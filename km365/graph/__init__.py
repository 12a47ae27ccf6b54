"""Microsoft Graph over HTTP: one client, and one file for each kind of thing it serves."""
