"""Explanations of failures, in words: the cause of a loss, why an expectation was not met, what a headline adds."""
