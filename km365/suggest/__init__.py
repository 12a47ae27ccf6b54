"""CHOOSING TERMS for a text: the words of labels, examples, meaning, and what they say together."""
