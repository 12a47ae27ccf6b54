"""As many small real documents as one asks for: four languages, Word, PDF and text, each with a subject."""

import io
from collections.abc import Iterator
from dataclasses import dataclass

import docx
import fpdf

SUBJECTS: dict[str, tuple[tuple[str, str], ...]] = {
    "en": (
        ("Evaluation of the immunization campaign", "Vaccines reached every district and nurse."),
        ("Lessons learned on drinking water", "Hygiene in schools improved with the water supply."),
        ("Nutrition survey", "Stunting and wasting among children were measured in twelve villages."),
        ("Birth registration at clinics", "Mothers registered births on the day of the vaccination."),
    ),
    "fr": (
        ("Évaluation de la campagne de vaccination", "Les vaccins ont atteint chaque district du pays."),
        ("Eau potable et assainissement", "L'hygiène à l'école s'améliore avec l'approvisionnement en eau."),
        ("Enquête sur la nutrition", "Le retard de croissance des enfants a été mesuré dans douze villages."),
        ("Enregistrement des naissances", "Les mères enregistrent les naissances au centre de santé."),
    ),
    "es": (
        ("Evaluación de la campaña de vacunación", "Las vacunas llegaron a todos los distritos del país."),
        ("Agua potable y saneamiento", "La higiene en la escuela mejora con el abastecimiento de agua."),
        ("Encuesta de nutrición", "El retraso del crecimiento se midió en niños de doce aldeas."),
        ("Registro de nacimientos", "Las madres registran los nacimientos en el centro de salud."),
    ),
    "ar": (
        ("تقييم حملة التحصين", "وصلت اللقاحات إلى كل منطقة وحافظت الممرضات على سلسلة التبريد."),
        ("مياه الشرب والصرف الصحي", "تحسنت النظافة الصحية في المدارس مع إمدادات المياه."),
        ("مسح التغذية", "تم قياس التقزم لدى الأطفال في اثنتي عشرة قرية."),
        ("تسجيل المواليد", "تسجل الأمهات الولادات في المركز الصحي."),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Document:
    """A file to upload."""

    path: str
    data: bytes


def documents(count: int) -> Iterator[Document]:
    """So many documents, always the same ones: languages and subjects in turn, in a folder per language."""
    languages = tuple(SUBJECTS)
    for number in range(count):
        language = languages[number % len(languages)]
        subjects = SUBJECTS[language]
        title, sentence = subjects[number // len(languages) % len(subjects)]
        kind = "txt" if language == "ar" and number % 3 == 2 else ("txt", "docx", "pdf")[number % 3]
        kind = "docx" if language == "ar" and kind == "pdf" else kind
        paragraphs = (title, sentence, f"{number + 1}. {title}.")
        yield Document(path=f"{language}/{number:05} {title}.{kind}", data=_KINDS[kind](paragraphs))


def _text(paragraphs: tuple[str, ...]) -> bytes:
    return "\n\n".join(paragraphs).encode()


def _word(paragraphs: tuple[str, ...]) -> bytes:
    document = docx.Document()
    document.add_heading(paragraphs[0])
    for paragraph in paragraphs[1:]:
        document.add_paragraph(paragraph)
    data = io.BytesIO()
    document.save(data)
    return data.getvalue()


def _pdf(paragraphs: tuple[str, ...]) -> bytes:
    page = fpdf.FPDF()
    page.add_page()
    page.set_font("helvetica", size=12)
    for paragraph in paragraphs:
        page.multi_cell(0, 8, paragraph, new_x="LMARGIN", new_y="NEXT")
    return bytes(page.output())


_KINDS = {"txt": _text, "docx": _word, "pdf": _pdf}
