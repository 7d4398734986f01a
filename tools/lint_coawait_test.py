#!/usr/bin/env python3
"""Tests of lint_coawait.py: what it reports, and what it must leave alone."""

import importlib.util
import pathlib
import tempfile
import unittest

_SOURCE = pathlib.Path(__file__).with_name("lint_coawait.py")
_SPEC = importlib.util.spec_from_file_location("lint_coawait", _SOURCE)
lint = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(lint)


def found(source):
    """The findings in C++ text, as `line: first words`."""
    return [f"{line}: {words.split(';')[0]}" for line, words in sorted(set(lint.check_source(source, source.split("\n"))))]


def in_coroutine(*lines):
    return "\n".join(["Coro<> f(std::string t, int n, Box* p) {", *lines, "}"])


class Reported(unittest.TestCase):

    def expect(self, part, *lines):
        result = found(in_coroutine(*lines))
        self.assertEqual(len(result), 1, (lines, result))
        self.assertIn(part, result[0])
        return result[0]

    def test_lambda_that_captures_by_value(self):
        for capture in ("t", "=", "&x, t", "t = std::move(t)", "*this", "...rest", "x = f()", "u = t.size()"):
            self.expect("captures by value", f"  co_await run([{capture}]() -> Coro<> {{ co_return; }});")
        self.expect("captures by value", "  co_await [t]() -> Coro<> { co_return; }();")
        self.expect("captures by value", "  int x = g([t] { return 1; }) + co_await h();")
        self.expect("captures by value", "  co_await f(std::function<void()>([t] {}));")
        self.expect("captures by value", "  co_return co_await with(timeout(30s), [t](auto&) { return 1; });")

    def test_line_is_where_the_lambda_begins(self):
        self.assertTrue(self.expect("captures by value", "  co_await run(", "      1,", "      [t] { return 2; });")
                        .startswith("4: "))

    def test_capture_that_awaits(self):
        self.expect("capture that awaits", "  auto k = [&x = co_await a()] { return x; };")

    def test_conditional(self):
        self.expect("?:", "  auto s = c ? co_await a() : co_await b();")
        self.expect("?:", "  auto s = c ? a() : co_await b();")
        self.expect("?:", "  g(c ? co_await a() : b());")

    def test_new_and_throw(self):
        self.expect("new T", "  auto* x = new T(co_await a());")
        self.expect("throw E", "  throw std::runtime_error(co_await a());")
        self.expect("throw E", "  if (c) throw E(co_await a());")

    def test_initialisers_with_braces(self):
        self.expect("braces", "  Q q{co_await a()};")
        self.expect("braces", "  co_return Q{co_await a(), 1};")
        self.expect("braces", "  T many[] = {co_await a()};")
        self.expect("braces", "  g(Q{co_await a()});")

    def test_statement_expression(self):
        self.expect("statement expression", "  int x = ({ int y = co_await a(); y; });")

    def test_inside_of_other_statements_and_bodies(self):
        self.expect("?:", "  for (int i = 0; i < 3; ++i) {", "    x = c ? co_await a() : b();", "  }")
        self.expect("?:", "  while (true) x = c ? co_await a() : b();")
        self.expect("?:", "  auto l = [&]() -> Coro<> {", "    x = c ? co_await a() : b();", "  };")
        self.expect("?:", "  g([&] { return 1; }, [&]() -> Coro<> { x = c ? co_await a() : b(); });")
        self.expect("captures", "  if (auto x = co_await g([t] { return 1; }); x) {", "  }")
        self.expect("captures", "  for (auto& x : co_await g([t] { return 1; })) {", "  }")

    def test_in_a_class_in_a_namespace(self):
        self.assertEqual(
            len(found("namespace a {\nstruct S : B {\n  Coro<> f() const override {\n    throw E(co_await a());\n  }\n};\n}\n")), 1)


class LeftAlone(unittest.TestCase):

    def expect(self, *lines):
        self.assertEqual(found(in_coroutine(*lines)), [], lines)

    def test_captures_that_need_no_destructor(self):
        for capture in ("", "&", "&t", "this", "&, this", "n", "p", "k = 3", "&x = t"):
            self.expect(f"  co_await run([{capture}]() -> Coro<> {{ co_return; }});")

    def test_lambda_that_is_named_first(self):
        self.expect("  auto l = [t] { return 1; };", "  co_await f(std::move(l));")
        self.expect("  auto k = create_task([t]() -> Coro<> { co_return; });", "  co_await k;")

    def test_await_in_the_body_of_the_lambda_only(self):
        self.expect("  auto task = create_task([t]() -> Coro<> { co_await sleep(1s); });")
        self.expect("  return [t]() -> Coro<int> {", "    co_return co_await a();", "  };")

    def test_subscripts_and_attributes_are_no_lambdas(self):
        self.expect("  x[t] = co_await a(b[t]);", "  x[y[0]](co_await a());", "  [[maybe_unused]] auto z = co_await a();")
        self.expect("  delete[] co_await a();")

    def test_plain_forms(self):
        self.expect("  auto x = std::make_unique<T>(co_await a());", "  v.push_back(co_await a());")
        self.expect("  auto [a, b] = co_await g();", "  std::string s = \"a\" + co_await a() + co_await b();")
        self.expect("  co_return Q{plain, 1};", "  co_await f({.port = 1});", "  auto* x = new T(plain);")
        self.expect("  x = (co_await a()) ? 1 : 2;", "  if (co_await a()) {", "    throw E(plain);", "  }")
        self.expect("  switch (co_await a()) {", "    case 1: {", "      x = c ? 1 : 2;", "    }", "  }")

    def test_comments_strings_and_macros(self):
        self.expect("  // c ? co_await a() : co_await b()", '  g("throw E(co_await a())");', "  /* new T(co_await a()) */",
                    '  g(R"(throw E(co_await a());)");')
        self.assertEqual(found("#define CO_AWAIT(...) \\\n  co_await [=] { return __VA_ARGS__; }()\n"), [])

    def test_allowed_lines(self):
        self.expect("  x = c ? co_await a() : b();  // lint: allowed, scalars are fine")
        self.expect("  x = c ? co_await a()", "        : b();  // lint: allowed")

    def test_an_allowance_covers_its_expression_only(self):
        source = in_coroutine("  x = c ? co_await a() : b();  // lint: allowed", "  y = c ? co_await a() : b();")
        self.assertEqual(len(found(source)), 1)
        self.assertTrue(found(source)[0].startswith("3: "))


class Files(unittest.TestCase):

    def test_markdown_is_read_where_it_is_cpp(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "page.md")
            path.write_text("Text: throw E(co_await a());\n```cpp\nCoro<> f() {\n  throw E(co_await a());\n}\n```\n"
                            "```python\nthrow E(co_await a());\n```\n")
            self.assertEqual([line for line, _ in lint.check(path)], [4])


if __name__ == "__main__":
    unittest.main()
