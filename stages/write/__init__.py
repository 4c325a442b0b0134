"""Posts from windows: which windows want one, the prompt, the answer and its proof, the offline writer, Markdown."""
