"""Which listed values can be inferred from photo and text: experts vote, and a fusion decides."""
