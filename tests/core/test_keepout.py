"""What belongs to another channel is recognised; the programme's own subjects are not mistaken for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from km365.core.keepout import KeepOut, keep_out
from km365.documents.messages import Catalogue
from km365.templates import Templates

WORDS = Catalogue(Templates()).keep_out


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("The portal password is Blue7moon", KeepOut.PASSWORD),
        ("password: bluemoon", KeepOut.PASSWORD),
        ("Le mot de passe du portail : Lune-7", KeepOut.PASSWORD),
        ("كلمة المرور: قمر٧", KeepOut.PASSWORD),
        ("密码是moon2024", KeepOut.PASSWORD),
        ("He harassed me twice.", KeepOut.ALLEGATION),
        ("Il m'a harcelée au bureau", KeepOut.ALLEGATION),
        ("I want to file a complaint against my supervisor", KeepOut.GRIEVANCE),
        ("Меня дискриминируют", KeepOut.GRIEVANCE),
        ("I had to stop because of my depression", KeepOut.HEALTH),
        ("أنا حامل في الشهر السادس", KeepOut.HEALTH),
        ("I want to die", KeepOut.DISTRESS),
        ("Quiero morir", KeepOut.DISTRESS),
    ],
)
def test_what_belongs_elsewhere_is_recognised(text: str, kind: KeepOut) -> None:
    assert keep_out(text, WORDS) is kind


@pytest.mark.parametrize(
    "text",
    [
        "Health workers chose the day, and more pregnant women came.",
        "Sexual harassment on the way to school fell by half.",
        "Violence against children was under-reported.",
        "The password is shared by three people, which must change.",
        "Suicide prevention was added to the adolescent package.",
        "La santé mentale des adolescents reste peu financée.",
        "Жалобы сообщества рассматривались за неделю.",
        "مراكز تشخيصية متنقلة في ثلاث محافظات",
        "社区投诉机制运行良好，密码管理规定已更新。",
    ],
)
def test_the_work_itself_is_kept(text: str) -> None:
    assert keep_out(text, WORDS) is None


@given(st.text(max_size=400))
def test_any_text_can_be_looked_at(text: str) -> None:
    keep_out(text, WORDS)
