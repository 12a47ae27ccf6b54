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


def readable(value: object) -> str:
    """The text of a database's value: of a file's bytes what a reader sees, of JSON the words."""
    if isinstance(value, bytes):
        packed = value.startswith(b"PK\x03\x04") and zipfile.is_zipfile(io.BytesIO(value))
        return text_of_office_file(value) if packed else value.decode("utf-8", errors="replace")
    return str(value)
