"""A network of modules that hand on attention maps, on the same scenes and questions as `audits.vqa`."""
