"""Golden conversations by SMS: what a phone texts and every SMS that comes back, word for word.

`REWRITE_TRANSCRIPTS=1` writes down what is answered now; read the difference before keeping it. `{reference}` and
`{code}` stand for those of the last récépissé, `{question}` for the code of the last question and `{wrong}` for another
one, `{otc}` for the last one-time code. In place of a `text`, `asks` is a question of the institution about that
demand (until `answer_by_minutes` from then), and `new_owner` says that the number is somebody else's from then on.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.messages import BackofficeEvent, EventType
from gateway.text import segments
from gateway.usecases import holdings
from gateway.usecases.backoffice_events import take_event
from tests.sms.conftest import OTHER, Texter

FILES = sorted((Path(__file__).parent / "transcripts").glob("*.yaml"))
_REFERENCE = re.compile(r"\d{4} \d{4} \d{4}")
_CODE = re.compile(r"(?<=vérification )\d{6}|(?<=Verification code )\d{6}")
_QUESTION = re.compile(r"(?<=REPONSE )\d{6}(?= et)|(?<=ANSWER )\d{6}(?= and)")
_OTC = re.compile(r"(?<=^Code )\d{6}")


class _Block(yaml.SafeDumper):
    """Every text in quotes or in a block: nothing that a reader could take for something else."""


def _text(dumper: _Block, text: str) -> Any:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else '"')


_Block.add_representer(str, _text)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_conversation_reads_as_written(path: Path, phone: Texter) -> None:
    script = yaml.safe_load(path.read_text(encoding="utf-8"))
    known: dict[str, str] = {}
    said = []
    phones = {"first": phone, "other": phone.as_number(OTHER)}
    for step in script["conversation"]:
        who = phones[step.get("from", "first")]
        phone.later(minutes=step.get("after_minutes", 1))
        answers = _happens(step, who, known)
        for answer in answers:
            assert segments.measure(answer).encoding == "GSM-7"
            _remember(known, answer)
        said.append({**step, "answers": [_masked(answer) for answer in answers]})
    written = {**script, "conversation": said}
    if os.environ.get("REWRITE_TRANSCRIPTS"):
        text = yaml.dump(written, Dumper=_Block, allow_unicode=True, sort_keys=False, width=10_000)
        path.write_text(text, encoding="utf-8")
    assert written == script


def _happens(step: dict[str, Any], who: Texter, known: dict[str, str]) -> list[str]:
    if "text" in step:
        return who.says(str(step["text"]).format(**known))
    parts, before = who.gateway.parts, len(who.network.sent)
    if "asks" in step:
        minutes = step.get("answer_by_minutes")
        event = BackofficeEvent(
            system="etat-civil",
            event_id=f"evt_{before}",
            type=EventType.MORE_NEEDED,
            reference=known["reference"].replace(" ", ""),
            occurred_at=who.clock.now,
            question=step["asks"],
            answer_by=None if minutes is None else who.clock.now + timedelta(minutes=minutes),
        )
        take_event(parts, event, who.clock.now)
    else:
        with parts.database.begin() as conn:
            holding = holdings.find(conn, parts, who.number)
            assert holding is not None
            holdings.close(conn, parts, holding, holdings.Why.DISOWNED, who.clock.now)
    who.work()
    return [text for number, text in who.network.sent[before:] if number == who.number]


def _remember(known: dict[str, str], answer: str) -> None:
    shown, code = _REFERENCE.search(answer), _CODE.search(answer)
    if shown and code:
        known.update(reference=shown[0], code=code[0])
    if asked := _QUESTION.search(answer):
        known.update(question=asked[0], wrong="000000" if asked[0] != "000000" else "111111")
    if otc := _OTC.search(answer):
        known.update(otc=otc[0])


def _masked(answer: str) -> str:
    answer = _OTC.sub("......", _QUESTION.sub("......", answer))
    return _CODE.sub("......", re.sub(r"\d{4} \d{4}(?=\.\.)", ".... ....", _REFERENCE.sub(".... .... ....", answer)))
