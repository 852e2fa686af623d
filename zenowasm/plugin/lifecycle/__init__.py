"""The lifecycle of plugins: loading, versions, instance pools, reloading and shutdown."""
