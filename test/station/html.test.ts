import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { html, verbatim } from "../../src/station/html.ts";

test("html makes text of whatever is no HTML of its own", () => {
  const evil = "<script>alert(1)</script>\" onload='x' &amp;";
  const shown = "&lt;script&gt;alert(1)&lt;/script&gt;&quot; onload=&#39;x&#39; &amp;amp;";
  assert.equal(html`<b title="${evil}">${evil}</b>`.text, `<b title="${shown}">${shown}</b>`);
});

test("html takes HTML, lists of it and numbers as they are", () => {
  const items = ["a", "<b>"].map((text) => html`<li>${text}</li>`);
  assert.equal(html`<ol start="${3}">${items}</ol>`.text, '<ol start="3"><li>a</li><li>&lt;b&gt;</li></ol>');
  assert.equal(html`${verbatim("<hr>")}${[]}`.text, "<hr>");
});

test("html shows what would move or hide text", () => {
  assert.equal(html`${"a\u001b[31mb\u202ec\u0000"}`.text, "a^[[31mb&lt;U+202E&gt;c^@");
});

test("html lets no text begin a tag or end an attribute", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.doesNotMatch(html`${text}`.text, /[<>"']/);
      assert.doesNotMatch(html`${text}`.text, /&(?!amp;|lt;|gt;|quot;|#39;)/);
    }),
  );
});
