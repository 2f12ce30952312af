// Nothing here is needed: every page works without it. It counts while you type, puts the cursor into the
// search with "/", keeps a second press from sending twice, and hides a toast you have read.
"use strict";

const segments = "Segmenter" in Intl ? new Intl.Segmenter("en-GB") : null;
const length = (text) => (segments ? [...segments.segment(text.normalize("NFC"))].length : [...text].length);

// <output data-counts="answer" data-limit="500">: the number beside the words. The server counts again, exactly.
function count(field) {
  const used = length(field.value);
  for (const output of document.querySelectorAll(`[data-counts="${CSS.escape(field.id)}"]`)) {
    const limit = Number(output.dataset.limit || 0);
    output.textContent = limit ? `${used} of ${limit}` : `${used}`;
    if (limit && used > limit) output.dataset.state = "over";
    else delete output.dataset.state;
  }
}

document.addEventListener("input", (event) => {
  if (event.target.matches("textarea[id], input[id]")) count(event.target);
  if (event.target.matches("[data-shows]")) {
    for (const field of event.target.form.querySelectorAll("[autocomplete=new-password]")) {
      field.type = event.target.checked ? "text" : "password";
    }
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open], .more > details[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  }
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.matches("input, textarea, select")) return;
  const search = document.querySelector("[type=search]");
  if (search) {
    event.preventDefault();
    search.focus();
  }
});

// − and + beside a number: counted here at once; without script the server counts.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-adds]");
  const field = button && document.getElementById(button.dataset.adds);
  if (field) {
    event.preventDefault();
    field.value = Math.max(0, (parseInt(field.value, 10) || 0) + Number(button.dataset.by));
  }
  if (event.target.closest("[data-prints]")) print();
});

// A menu closes when you press elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  if (event.target.closest("[data-dismiss]")) event.target.closest(".toast").replaceChildren();
});

// The pressed button turns while its form is on its way; a second press is not a second send.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.sent) {
    event.preventDefault();
    event.stopPropagation();
    return;
  }
  form.dataset.sent = "1";
  event.submitter?.setAttribute("aria-busy", "true");
}, true);

function ready(form) {
  delete form.dataset.sent;
  for (const button of form.querySelectorAll("[aria-busy=true]")) button.removeAttribute("aria-busy");
}

document.addEventListener("htmx:finally:request", (event) => {
  const form = event.target.closest?.("form");
  if (form) ready(form);
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(ready));
