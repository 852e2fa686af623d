"""Loading, versions, pools of instances, reloading, and the end."""
