"""The demonstration tenant as data: staff, calendar and a library of documents. Nobody in it exists.

`staff.json` and `calendar.json` are read by `km365/local/seed.py`; `library/*.md` are the documents' texts
(front matter, then headings, paragraphs, lists, tables and `> ` notes), which `write_documents.py` turns into
Word, PowerPoint, Excel and PDF files.
"""
