"""What a file or a database value says, whatever it is packed in."""

import io
import zipfile
from xml.etree import ElementTree


def text_of_office_file(data: bytes) -> str:
    """All text in an Office file, a paragraph a line."""
    lines = []
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        for name in package.namelist():
            if name.endswith((".xml", ".rels")):
                for element in ElementTree.fromstring(package.read(name)).iter():
                    if element.tag.endswith("}p"):
                        lines.append("".join(element.itertext()))
                    elif element.text and not element.tag.endswith("}t"):
                        lines.append(element.text)
    return "\n".join(lines)


def holds(value: object, words: str) -> bool:
    """Whether a text, or a file's bytes, hold the words; JSON may have written them with escapes."""
    escaped = words.encode("unicode_escape").decode()
    if isinstance(value, bytes):
        if value.startswith(b"PK\x03\x04") and zipfile.is_zipfile(io.BytesIO(value)):
            return words in text_of_office_file(value)
        return words.encode() in value
    return isinstance(value, str) and (words in value or escaped in value)
