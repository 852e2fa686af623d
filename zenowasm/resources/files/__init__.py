"""A tree of files below a folder's descriptor, which no path, link or race leaves."""
