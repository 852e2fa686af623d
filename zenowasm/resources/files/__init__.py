"""A file tree below a folder's descriptor, which no path, link or race can leave."""
