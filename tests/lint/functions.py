#!/usr/bin/env python3
"""A function fits a screen: 60 lines at most from its name to its closing brace, and control statements nest 3 deep
at most (an else-if chain counts once, braces or not)."""
import re
import sys

import tree

LINES_MAX, NESTING_MAX = 60, 3
TOKEN = re.compile(r'[A-Za-z_]\w*|""|[^\s\w]')
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.M)


def tokens(text):
    """(token, line) of C without comments, literals and preprocessor lines."""
    text = DIRECTIVE.sub(lambda match: "\n" * match.group().count("\n"), tree.without_comments(text))
    line, at = 1, 0
    for match in TOKEN.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        yield match.group(), line


class Body:
    """Walks the statements of a function's body and notes how deep control statements nest."""

    def __init__(self, items, at):
        self.items, self.at, self.deepest, self.deepest_line = items, at, 0, 0

    def peek(self, ahead=0):
        return self.items[self.at + ahead][0] if self.at + ahead < len(self.items) else None

    def balanced(self, opening, closing):
        """From an opening bracket past its closing one."""
        depth = 0
        while self.peek() is not None:
            depth += (self.peek() == opening) - (self.peek() == closing)
            self.at += 1
            if depth == 0:
                return

    def plain(self):
        """Past the semicolon of an expression or declaration; an initializer's braces are part of it."""
        while self.peek() not in (None, ";", "}"):
            if self.peek() == "{":
                self.balanced("{", "}")
            elif self.peek() == "(":
                self.balanced("(", ")")
            else:
                self.at += 1
        if self.peek() == ";":
            self.at += 1

    def control(self, depth):
        if depth > self.deepest:
            self.deepest, self.deepest_line = depth, self.items[self.at][1]
        keyword = self.peek()
        self.at += 1
        if keyword != "do":
            self.balanced("(", ")")
        self.statement(depth)
        if keyword == "do":
            self.plain()
        elif keyword == "if" and self.peek() == "else":
            self.at += 1
            if self.peek() == "if":
                self.control(depth)
            else:
                self.statement(depth)

    def statement(self, depth):
        """One statement inside depth control statements."""
        token = self.peek()
        if token == "{":
            self.at += 1
            while self.peek() not in (None, "}"):
                self.statement(depth)
            self.at += 1
        elif token in ("if", "for", "while", "switch", "do"):
            self.control(depth + 1)
        elif token in ("case", "default"):
            while self.peek() not in (None, ":"):
                self.at += 1
            self.at += 1
        elif self.peek(1) == ":" and self.peek(2) != ":" and re.match(r"[A-Za-z_]", token):
            self.at += 2
        elif token == ";":
            self.at += 1
        else:
            self.plain()


def functions(text):
    """(name, first line, last line, deepest nesting, its line) of each function."""
    items = list(tokens(text))
    at, name = 0, None
    while at < len(items):
        token, line = items[at]
        if token == "(" and at > 0 and name is None and re.match(r"[A-Za-z_]", items[at - 1][0]):
            if items[at - 1][0] not in ("__attribute__", "_Static_assert"):
                name = items[at - 1]
        if token == "(":
            skip = Body(items, at)
            skip.balanced("(", ")")
            at = skip.at
        elif token == "{" and name and items[at - 1][0] == ")":
            body = Body(items, at)
            body.statement(0)
            last = items[min(body.at, len(items)) - 1][1]
            yield name[0], name[1], last, body.deepest, body.deepest_line
            at, name = body.at, None
        elif token == "{":
            skip = Body(items, at)
            skip.balanced("{", "}")
            at, name = skip.at, None
        else:
            if token in (";", "="):
                name = None
            at += 1


root = sys.argv[1]
count = 0
for path in tree.files(root, ".c", ".h"):
    for name, first, last, deepest, line in functions(tree.read(root, path)):
        count += 1
        if last - first + 1 > LINES_MAX:
            tree.complain(path, first, "%s has %d lines; %d is the limit" % (name, last - first + 1, LINES_MAX))
        if deepest > NESTING_MAX:
            tree.complain(path, line, "%s nests %d deep; %d is the limit" % (name, deepest, NESTING_MAX))
tree.finish("%d functions fit a screen" % count)
