"""The reference client and those it is measured against."""
