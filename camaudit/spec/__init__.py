"""What a person wrote, as frozen types: `read` gives it, or every mistake in it with its line."""

from camaudit.spec.audit import AuditSpec
from camaudit.spec.read import read, read_text

__all__ = ["AuditSpec", "read", "read_text"]
