"""From a composed config to objects: targets, signatures, compatibility, error messages, help."""
