"""OUR DATABASE: what SharePoint has no place for. One file per table group; functions over a connection."""
