"""What plugins may do: permissions of manifests, and what the operator allows whatever they ask for."""
