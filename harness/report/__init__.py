"""What a verdict looks like: terminal, figures, HTML, Markdown, JUnit."""
