// Search over the posts: the index is loaded when the field is first used, and every result is made of text nodes.
"use strict";
(() => {
  const field = document.getElementById("search");
  const list = document.getElementById("results");
  const status = document.getElementById("found");
  if (!field || !list || !status) return;
  const { index, none, one, many } = field.dataset;
  const LIMIT = 20;
  let rows = null;
  let loading = false;

  // lower case without accents, one unit for one unit, so that places in the folded text are places in the text
  const fold = (text) =>
    text.replace(/[^\x00-\x7f]/g, (c) => {
      const plain = c.normalize("NFD").replace(/\p{M}+/gu, "").toLowerCase();
      return plain.length === 1 ? plain : c;
    }).toLowerCase();

  const load = () => {
    if (rows || loading) return;
    loading = true;
    const script = document.createElement("script");
    script.src = index;
    script.onload = () => {
      rows = (window.chronicle || []).map(([url, title, dek, date, about, text]) => ({
        url, title, dek, date, text,
        in: [[fold(title), 9], [fold(about), 5], [fold(dek), 3], [fold(text), 1]],
      }));
      show();
    };
    document.head.append(script);
  };

  // 0 unless every term is there; a term that begins a word counts twice
  const score = (row, terms) => {
    let total = 0;
    for (const term of terms) {
      let best = 0;
      for (const [text, weight] of row.in) {
        for (let at = text.indexOf(term), n = 0; at >= 0 && n < 5; at = text.indexOf(term, at + 1), n++) {
          const begins = at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]);
          best += weight * (begins ? 2 : 1);
        }
      }
      if (!best) return 0;
      total += best;
    }
    return total;
  };

  // the text around the first term, with every term in it marked
  const excerpt = (row, terms) => {
    const folded = row.in[3][0];
    const places = terms.map((term) => folded.indexOf(term)).filter((at) => at >= 0);
    if (!places.length || folded.length !== row.text.length) return marked(row.dek, terms);
    const from = Math.max(0, Math.min(...places) - 60);
    const start = from && row.text.indexOf(" ", from) + 1;
    const end = start + 170 < row.text.length ? row.text.lastIndexOf(" ", start + 170) : row.text.length;
    const line = marked(row.text.slice(start, end > start ? end : start + 170), terms);
    if (start) line.prepend("… ");
    if (end < row.text.length) line.append(" …");
    return line;
  };

  const marked = (text, terms) => {
    const line = document.createElement("span");
    const folded = fold(text);
    if (folded.length !== text.length) {
      line.textContent = text;
      return line;
    }
    for (let at = 0; at < text.length;) {
      let next = text.length, size = 0;
      for (const term of terms) {
        const found = folded.indexOf(term, at);
        if (found >= 0 && (found < next || (found === next && term.length > size))) [next, size] = [found, term.length];
      }
      line.append(text.slice(at, next));
      if (size) {
        const mark = document.createElement("mark");
        mark.textContent = text.slice(next, next + size);
        line.append(mark);
      }
      at = next + Math.max(size, 1);
      if (!size) break;
    }
    return line;
  };

  const result = (row, terms) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = row.url;
    link.dir = "auto";
    link.append(marked(row.title, terms));
    const when = document.createElement("span");
    when.className = "when";
    when.textContent = row.date;
    const about = document.createElement("p");
    about.dir = "auto";
    about.append(excerpt(row, terms));
    item.append(link, " ", when, about);
    return item;
  };

  const show = () => {
    const terms = [...new Set(fold(field.value).split(/\s+/).filter(Boolean))].slice(0, 8);
    document.body.classList.toggle("searching", terms.length > 0);
    if (!rows || !terms.length) {
      list.replaceChildren();
      status.textContent = "";
      return;
    }
    const hits = rows.map((row) => [score(row, terms), row]).filter(([points]) => points > 0);
    hits.sort((a, b) => b[0] - a[0]);
    list.replaceChildren(...hits.slice(0, LIMIT).map(([, row]) => result(row, terms)));
    status.textContent = hits.length ? `${hits.length} ${hits.length === 1 ? one : many}` : none;
  };

  field.addEventListener("focus", load);
  field.addEventListener("input", () => { load(); show(); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== field && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      field.focus();
    } else if (event.key === "Escape" && document.activeElement === field) {
      field.value = "";
      show();
    }
  });
  if (field.value) load();
})();
