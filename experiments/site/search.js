// The search box: every word of the query must occur in an entry; titles count before texts.
"use strict";
{
  const form = document.getElementById("search");
  const query = document.getElementById("query");
  const found = document.getElementById("found");
  const count = document.getElementById("count");
  const MOST = 12; // entries shown

  const score = (entry, words) => {
    const title = entry.title.toLowerCase();
    const text = `${title} ${entry.text.toLowerCase()}`;
    if (!words.every((word) => text.includes(word))) return 0;
    return 1 + words.filter((word) => title.includes(word)).length + (title.startsWith(words[0]) ? 2 : 0);
  };

  const item = (entry) => {
    const link = document.createElement("a");
    link.href = entry.place;
    link.textContent = entry.title;
    const kind = document.createElement("span");
    kind.className = "soft";
    kind.textContent = ` ${entry.kind}`;
    const line = document.createElement("li");
    line.append(link, kind);
    return line;
  };

  const show = () => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const scored = ENTRIES.map((entry, place) => [words.length ? score(entry, words) : 0, place])
      .filter(([points]) => points)
      .sort((a, b) => b[0] - a[0] || a[1] - b[1]);
    found.replaceChildren(...scored.slice(0, MOST).map(([, place]) => item(ENTRIES[place])));
    const rest = scored.length > MOST ? `, the first ${MOST} are shown` : "";
    count.textContent = words.length ? `${scored.length} found${rest}` : "";
  };

  query.addEventListener("input", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    found.querySelector("a")?.click();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    query.value = "";
    show();
    query.focus();
  });
  // A row inside a closed part of the page opens when a link leads to it.
  const open = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const part = target && target.closest("details");
    if (part && !part.open) {
      part.open = true;
      target.scrollIntoView();
    }
  };
  window.addEventListener("hashchange", open);
  open();
  form.hidden = false;
}
