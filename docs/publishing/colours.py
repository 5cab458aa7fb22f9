"""The colours of programs, on light and on dark ground; each stands out by 4.5 to 1 or more."""

from __future__ import annotations

from typing import ClassVar

from pygments.style import Style
from pygments.token import Comment, Generic, Keyword, Name, Number, Operator, Punctuation, String, Token, _TokenType


def _styles(
    text: str, keyword: str, index: str, function: str, number: str, comment: str, printed: str
) -> dict[_TokenType, str]:
    return {
        Token: text, Comment: f"italic {comment}", Keyword: keyword, Keyword.Type: keyword, Operator: text,
        Operator.Word: keyword, Punctuation: text, Name: text, Name.Variable: index, Name.Function: function,
        Name.Constant: number, Number: number, String: number, Generic.Output: printed, Generic.Prompt: comment,
    }  # fmt: skip


class Light(Style):
    background_color = "#f7f8fa"
    styles: ClassVar = _styles("#24292f", "#7a3e9d", "#a0410d", "#1f5fa8", "#1a6b3c", "#626a73", "#57606a")


class Dark(Style):
    background_color = "#1c1f24"
    styles: ClassVar = _styles("#d7dce2", "#c792ea", "#f0a36b", "#7fb4f5", "#8fce9c", "#8b949e", "#a0a8b2")
