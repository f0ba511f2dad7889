// What a script adds to pages that are whole without it: parts that stay fresh, copying, keys. Only text and markup of
// our own pages goes in; nothing is evaluated.

// -- parts that stay fresh: <div id="…" data-live="2"> is fetched anew every so many seconds, and swapped when it differs
const held = (part) => {
  const busy = document.activeElement;
  return part.contains(busy) && busy.matches("input, select, textarea") || part.querySelector("details[open]") !== null;
};
const swap = (fresh) => {
  for (const part of document.querySelectorAll("[data-live][id]")) {
    const other = fresh.getElementById(part.id);
    if (!other || held(part) || other.outerHTML === part.outerHTML) continue;
    const focused = part.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    const known = new Set([...part.querySelectorAll("[data-row]")].map((row) => row.dataset.row));
    const wasLow = part.scrollHeight - part.scrollTop - part.clientHeight < 80;
    const [down, across] = [part.scrollTop, part.scrollLeft];
    const next = document.importNode(other, true);
    part.replaceWith(next);
    [next.scrollTop, next.scrollLeft] = [down, across];
    if ("bottom" in next.dataset && wasLow) next.scrollTop = next.scrollHeight;
    if (known.size) for (const row of next.querySelectorAll("[data-row]")) if (!known.has(row.dataset.row)) row.classList.add("fresh");
    if (focused) next.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
    next.dispatchEvent(new CustomEvent("swapped", { bubbles: true }));
    ready(next);
  }
};
const refresh = async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { "X-Live": "1" }, redirect: "manual" });
    if (answer.type === "opaqueredirect") return location.reload(); // the session has ended
    if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    document.body.classList.toggle("stale", !answer.ok);
  } catch {
    document.body.classList.add("stale");
  }
};
const wanted = [...document.querySelectorAll("[data-live]")].map((part) => Number(part.dataset.live)).filter((s) => s > 0);
if (wanted.length) {
  const every = Math.min(...wanted) * 1000;
  const again = async () => { await refresh(); setTimeout(again, every); };
  setTimeout(again, every);
  document.addEventListener("visibilitychange", refresh);
}

for (const part of document.querySelectorAll("[data-bottom]")) part.scrollTop = part.scrollHeight;

// -- copying: <button data-copy="id" hidden> shows itself
const ready = (root) => { for (const button of root.querySelectorAll("button[data-copy]")) button.hidden = false; };
ready(document);
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (button) {
    const said = button.innerHTML;
    try {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select and copy by hand";
    }
    setTimeout(() => { button.innerHTML = said; }, 1500);
  }
  for (const open of document.querySelectorAll("details.confirm[open], details.me[open]")) if (!open.contains(event.target)) open.open = false;
});

// -- filters act at once
document.addEventListener("change", (event) => {
  if (event.target.matches("form.filters select")) event.target.form.requestSubmit();
});

// -- what would become of it, as one types: <form data-try="address" data-parts="ids"> is sent there after each pause, with
// do=preview, and these parts of the answer are swapped in; choosing a prepared text puts it into the field named by data-fills
let pause, asked = 0;
const tryOut = async (form, fills) => {
  const number = ++asked;
  const body = new URLSearchParams([...new FormData(form)].filter(([, value]) => typeof value === "string"));
  body.set("do", "preview");
  let text;
  try {
    text = await (await fetch(form.dataset.try, { method: "POST", body, redirect: "manual" })).text();
  } catch { return; } // the next letter tries again
  if (number !== asked) return;
  const fresh = new DOMParser().parseFromString(text, "text/html");
  const filled = fills && fresh.querySelector(`[name="${CSS.escape(fills)}"]`);
  if (filled) form.elements[fills].value = filled.value;
  for (const id of form.dataset.parts.split(" ")) {
    const [part, other] = [document.getElementById(id), fresh.getElementById(id)];
    if (part && other) part.replaceWith(document.importNode(other, true));
  }
};
document.addEventListener("input", (event) => {
  const form = event.target.form;
  if (!form || !form.dataset.try) return;
  clearTimeout(pause);
  const { fills } = event.target.dataset;
  pause = setTimeout(async () => { await tryOut(form, fills); if (fills) { event.target.value = ""; form.elements[fills].focus(); } }, fills ? 0 : 250);
});

// -- keys: / to the search, Escape closes what is open
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    const search = document.querySelector("form.filters input");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  }
  if (event.key === "Escape") {
    for (const open of document.querySelectorAll("details.confirm[open], details.me[open]")) {
      open.open = false;
      open.querySelector("summary").focus();
    }
    if (location.hash === "#menu") location.hash = "";
  }
});

// -- what was said once is not said again by a reload
const here = new URL(location.href);
if (here.searchParams.has("said")) {
  here.searchParams.delete("said");
  here.searchParams.delete("sign");
  history.replaceState(null, "", here);
}
