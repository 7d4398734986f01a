#!/usr/bin/env python3
"""Finds co_await expressions that g++ 12 miscompiles.

g++ 12 destroys some temporaries twice, or never, when their full-expression also contains a co_await,
and does so without a word. This reads the C++ files of the repository, and the C++ in its Markdown files, and
reports the forms that can be told from the text alone, as FILE:LINE: what, and what to write instead.

    tools/lint_coawait.py [FILE...]     all files known to git by default

A comment `lint: allowed` on one of the lines of an expression silences it: for scalars, which are fine, and for
tests and pages about these very forms. docs/explanation/gcc12.md has the whole story.
"""

import pathlib
import re
import subprocess
import sys

ALLOWED = re.compile(r"lint: allowed")
TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.']*|::|->|\[\[|\]\]|&&|\|\||[^\s]")
OPENING = {"(": ")", "[": "]", "{": "}", "[[": "]]"}
CLOSING = set(OPENING.values())
# Words before which a parenthesis or brace holds statements, not an expression.
CONTROL = {"for", "if", "while", "switch", "catch", "constexpr"}
# Words that may stand between a function's parameters and its body.
BEFORE_BODY = {"else", "do", "try", "mutable", "noexcept", "const", "override", "final"}
TYPE_HEADS = {"struct", "class", "union", "enum", "namespace", "extern", "requires", "concept"}
# Types whose copies need no destructor.
TRIVIAL = re.compile(
    r"(?:std::|absl::|asyncio::)?(?:(?:un)?signed|int|bool|char|short|long|float|double|size_t|ptrdiff_t|"
    r"u?int(?:8|16|32|64|ptr)_t|string_view|Duration|TimePoint|byte|pid_t|chrono::\w+|steady_clock::\w+)(?:\s+const)?")
# Words before a name that make it no declaration.
NO_TYPES = {"return", "co_return", "co_await", "co_yield", "new", "throw", "else", "case", "delete", "goto"}
RAW_STRING = re.compile(r'\b(?:u8|u|U|L)?R"([^()\\\s]{0,16})\(.*?\)\1"', re.DOTALL)
LITERALS = re.compile(
    r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|(?<![\w'])(?:u8|u|U|L)?'(?:\\.|[^'\\\n])+'|^[ \t]*#(?:\\\n|[^\n])*",
    re.DOTALL | re.MULTILINE)


class Node:
    """A token, or a bracket with what is inside it."""

    def __init__(self, text, line, children=None):
        self.text = text
        self.line = line
        self.children = children
        self.is_body = False  # a brace that holds statements

    def is_group(self, opening):
        return self.children is not None and self.text == opening


def blank(match):
    """What is left of a comment or literal: its lines, and a literal's place."""
    text = match.group(0)
    filler = "" if text.lstrip().startswith(("//", "/*", "#")) else " 0 "
    return filler + "\n" * text.count("\n")


def tokens(source):
    source = RAW_STRING.sub(blank, source)
    source = LITERALS.sub(blank, source)
    line = 1
    at = 0
    for match in TOKEN.finditer(source):
        line += source.count("\n", at, match.start())
        at = match.start()
        yield match.group(0), line


def parse(source):
    """The tree of brackets. Unbalanced ones, as in excerpts, close at the end."""
    top = Node("{", 1, [])
    top.is_body = True
    stack = [top]
    for text, line in tokens(source):
        # `a[b[0]]` ends in two brackets, not in an attribute.
        if text == "]]" and stack[-1].text != "[[":
            for _ in range(2):
                if len(stack) > 1 and stack[-1].text == "[":
                    stack.pop()
        elif text in OPENING:
            node = Node(text, line, [])
            stack[-1].children.append(node)
            stack.append(node)
        elif text in CLOSING:
            if len(stack) > 1 and OPENING[stack[-1].text] == text:
                stack.pop()
        else:
            stack[-1].children.append(Node(text, line))
    mark_bodies(top)
    return top


def mark_bodies(node):
    for index, child in enumerate(node.children):
        if child.children is None:
            continue
        if child.text == "{":
            child.is_body = opens_body(node, index)
        mark_bodies(child)


def opens_body(parent, index):
    """Whether the brace at this place holds statements; else it initialises something."""
    before = parent.children[:index]
    if not before:
        return parent.is_body or any(child.text == ";" for child in parent.children[index].children)
    last = before[-1]
    if last.children is not None:
        if last.text == "(":
            return True
        if last.text == "[":
            return is_lambda(parent, index - 1)
        return last.text == "{"
    if last.text in BEFORE_BODY or last.text == ";" or (last.text == ":" and parent.is_body):
        return True
    # `-> Coro<int> {`, `struct Name : Base {`, `namespace a::b {`
    for node in reversed(before):
        if node.text in ("->",) or node.text in TYPE_HEADS:
            return True
        if node.children is not None and node.text != "[[":
            return False
        if node.text in (";", "=", "return", "co_return", "co_await", "?"):
            return False
    return False


def is_lambda(parent, index):
    """Whether the square bracket at this place introduces a lambda, rather than indexing something."""
    node = parent.children[index]
    if not node.is_group("["):
        return False
    if index > 0:
        before = parent.children[index - 1]
        if before.is_group("(") or before.is_group("["):
            return False
        if before.children is None and re.match(r"[\w>]", before.text) and before.text not in (
                "return", "co_return", "co_await", "co_yield", "throw"):
            return False
    after = parent.children[index + 1] if index + 1 < len(parent.children) else None
    return after is not None and (after.is_group("(") or after.is_group("{") or
                                  after.text in ("<", "mutable", "noexcept", "->", "requires", "[["))


class Expression:
    """A full-expression: nodes without the bodies of lambdas in them."""

    def __init__(self, nodes):
        self.nodes = nodes

    def walk(self, nodes=None):
        """Every node with its siblings and its place among them."""
        nodes = self.nodes if nodes is None else nodes
        for index, node in enumerate(nodes):
            yield nodes, index, node
            if node.children is not None and not node.is_body:
                yield from self.walk(node.children)

    def lines(self):
        every = [node.line for _, _, node in self.walk()]
        return min(every), max(every)


def awaits(nodes):
    return any(node.text == "co_await" for _, _, node in Expression(nodes).walk())


def expressions(node):
    """The full-expressions inside of a body, and inside of the bodies in them."""
    statement = []
    children = node.children
    for index, child in enumerate(children):
        if child.text == ";" and child.children is None:
            if statement:
                yield Expression(statement)
            statement = []
            continue
        before = children[index - 1] if index > 0 else None
        if (child.is_group("(") and before is not None and before.text in CONTROL and
                before.children is None):
            # `if (init; condition)`: each part by itself, and what follows is another statement.
            yield from expressions(child)
            statement = []
            continue
        statement.append(child)
        if child.is_body and not ends_lambda(children, index):
            yield Expression(statement)
            statement = []
    if statement:
        yield Expression(statement)
    for child in children:
        yield from inner_bodies(child)


def ends_lambda(siblings, index):
    """Whether the body at this place is a lambda's, so that its expression goes on behind it."""
    parent = Node("{", 0, siblings)
    for place in range(index - 1, -1, -1):
        node = siblings[place]
        if node.text in (";",) or node.is_body:
            return False
        if is_lambda(parent, place):
            return True
    return False


def inner_bodies(node):
    if node.children is None:
        return
    if node.is_body:
        yield from expressions(node)
        return
    for child in node.children:
        yield from inner_bodies(child)


def is_trivial(name, source_before):
    """Whether the last declaration of `name` in this text is one of a number, a view or a pointer."""
    declaration = re.compile(
        rf"([A-Za-z_][\w:]*(?:<[^;(){{}}]*>)?(?:\s+const)?)([\s*&]+(?:const\s+)?)\b{re.escape(name)}\s*(?=[=;,){{(:])")
    found = [match.groups() for match in declaration.finditer(source_before) if match.group(1) not in NO_TYPES]
    return bool(found) and ("*" in found[-1][1] or TRIVIAL.fullmatch(found[-1][0]) is not None)


def captured_values(bracket, source_before):
    """The captures that copy something which may need a destructor."""
    capture = []
    for node in bracket.children + [Node(",", 0)]:
        if node.text != "," or node.children is not None:
            capture.append(node)
            continue
        words = [each.text for each in capture]
        capture = []
        by_reference = not words or words[0] == "&" or words == ["this"]
        literal = (len(words) == 3 and words[1] == "=" and
                   re.match(r"\d|true$|false$|nullptr$", words[2]))
        trivial = len(words) == 1 and is_trivial(words[0], source_before)
        if not by_reference and not literal and not trivial:
            yield " ".join(words)


def findings(expression, source):
    """What is wrong with a full-expression of this source, as (line, words)."""
    has_await = awaits(expression.nodes)
    for siblings, index, node in expression.walk():
        before = siblings[index - 1] if index > 0 else None
        if node.is_group("(") and len(node.children) >= 1 and node.children[0].is_group("{"):
            brace = node.children[0]
            if any(child.text == ";" for child in brace.children) and not (
                    before is not None and before.text in CONTROL):
                yield node.line, "a GNU statement expression around co_await breaks g++ 12; use a coroutine"
        if not has_await:
            continue
        if node.is_group("[") and is_lambda(Node("{", 0, siblings), index):
            if awaits(node.children):
                yield node.line, "a capture that awaits; name the awaited value first"
            values = list(captured_values(node, "\n".join(source.split("\n")[:node.line])))
            if values:
                yield node.line, (f"a lambda that captures by value ({', '.join(values)}) in an expression with "
                                  "co_await; name the lambda, or what it makes, first")
        if node.text == "?" and any(awaits([later]) for later in siblings[index + 1:]):
            yield node.line, "?: with co_await behind the question mark; use if and else"
        if node.text == "new" and node.children is None and awaits(operand_of_new(siblings, index)):
            yield node.line, "new T(co_await ...); name the awaited value first, or use make_unique"
        if node.text == "throw" and node.children is None and awaits(siblings[index + 1:]):
            yield node.line, "throw E(co_await ...); name the awaited value first"
        if node.is_group("{") and not node.is_body and awaits(node.children):
            yield node.line, "co_await inside of an initialiser's braces; name the awaited value first"


def operand_of_new(siblings, index):
    """The initialiser of `new T(...)`, if it has one."""
    for node in siblings[index + 1:]:
        if node.children is not None and node.text in "({":
            return [node]
        if node.text in (",", ";"):
            break
    return []


def check_source(source, lines, offset=0):
    """(line, words) for each finding in C++ text whose first line is `offset` + 1 of `lines`."""
    for expression in expressions(parse(source)):
        found = list(findings(expression, source))
        if not found:
            continue
        first, last = expression.lines()
        if any(ALLOWED.search(line) for line in lines[offset + first - 1:offset + last]):
            continue
        for line, words in found:
            yield offset + line, words


def check_markdown(text, lines):
    for match in re.finditer(r"^([ \t]*)```(?:cpp|c\+\+|cc)\b[^\n]*\n(.*?)^\1```", text,
                             re.DOTALL | re.MULTILINE):
        yield from check_source(match.group(2), lines, text.count("\n", 0, match.start(2)))


def check(path):
    text = path.read_text(encoding="utf-8")
    lines = text.split("\n")
    found = check_markdown(text, lines) if path.suffix == ".md" else check_source(text, lines)
    return sorted(set(found))


def files_of_repository():
    top = pathlib.Path(__file__).resolve().parent.parent
    listed = subprocess.run(
        ["git", "-C", top, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.cc", "*.h", "*.md"],
        check=True, capture_output=True).stdout.decode()
    return [top / name for name in listed.split("\0") if name and (top / name).exists()]


def main():
    paths = [pathlib.Path(name) for name in sys.argv[1:]] or files_of_repository()
    count = 0
    for path in paths:
        for line, words in check(path):
            print(f"{path}:{line}: {words}")
            count += 1
    if count:
        print(f"{count} expressions that g++ 12 may miscompile", file=sys.stderr)
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
