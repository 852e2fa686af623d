"""Access control: the permissions of manifests, and the operator's policy, which overrides them."""
