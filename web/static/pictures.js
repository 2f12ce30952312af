// Pictures come in as soon as they are chosen, dropped or pasted. Without this file the form brings them when it is sent.
"use strict";

const form = document.getElementById("write");
const part = () => document.getElementById("media_ids");

function say(words, share) {
  const bar = document.getElementById("pictures-progress");
  bar.hidden = share === undefined;
  if (share !== undefined) bar.value = share;
  document.getElementById("pictures-said").textContent = words;
}

// One change after another: each is drawn from what the one before left.
let coming = 0;
let turn = Promise.resolve();

function change(added, pressed) {
  coming += 1;
  turn = turn.then(() => new Promise((done) => send(added, pressed, done))).finally(() => (coming -= 1));
}

// What a person typed is sent along and comes back, so that nothing is lost when this part is drawn anew.
function send(added, pressed, done) {
  const body = new FormData(form);
  body.delete("pictures");
  for (const file of added) body.append("pictures", file, file.name || "pasted.png");
  if (pressed) body.append("picture", pressed.value);
  const request = new XMLHttpRequest();
  request.open("POST", "/write/pictures");
  request.setRequestHeader("HX-Request", "true");
  request.responseType = "document";
  request.upload.addEventListener("progress", (event) => {
    if (added.length && event.lengthComputable) {
      const there = event.loaded / event.total;
      say(there < 1 ? `Bringing in ${added.length === 1 ? "one file" : `${added.length} files`}` : "Removing places and times", there);
    }
  });
  request.addEventListener("load", () => arrived(request, added.length, pressed));
  request.addEventListener("error", () => say("It did not arrive. Check your connection and add it again."));
  request.addEventListener("loadend", done);
  if (added.length) say("Bringing it in", 0);
  request.send(body);
}

function arrived(request, added, pressed) {
  const fresh = request.response && request.response.getElementById("media_ids");
  const toast = request.response && request.response.querySelector(".toast, [role=alert]");
  if (!fresh) {
    say(request.status === 413 ? "That is too large. Make it smaller or shorter." : toast?.textContent.trim() || "It could not be added. Try again.");
    return;
  }
  part().replaceWith(fresh);
  const shown = fresh.querySelectorAll(".shot");
  for (const place of document.querySelectorAll("[data-shots]")) {
    place.replaceChildren(...[...shown].map((each) => each.cloneNode(true)));
    place.dataset.number = shown.length;
  }
  const alts = fresh.querySelectorAll("textarea");
  const wrong = fresh.querySelector(".error");
  if (wrong) say("");
  else if (added) {
    say(`Added. ${shown.length} in all.`);
    alts[Math.max(0, alts.length - added)]?.focus();
  } else if (pressed) {
    say(pressed.value.startsWith("out:") ? "Taken out." : "Moved.");
    const again = [...fresh.querySelectorAll("button[name=picture]")].find((each) => each.value === pressed.value);
    (again || document.getElementById("pictures")).focus();
  }
}

const pictures = (list) => [...(list || [])].filter((file) => /^(image|video)\//.test(file.type) || /\.(heic|mov|mp4)$/i.test(file.name));

if (form) {
  form.addEventListener("change", (event) => {
    if (event.target.id !== "pictures" || !event.target.files.length) return;
    change([...event.target.files]);
    event.target.value = "";
  });
  form.addEventListener("click", (event) => {
    if (coming && event.target.closest("button[name=answer]")) {
      event.preventDefault();
      say("A picture is still coming in. Wait for it, then press again.");
      return;
    }
    const button = event.target.closest("button[name=picture]");
    if (!button) return;
    event.preventDefault();
    change([], button);
  });
  form.addEventListener("paste", (event) => {
    const found = pictures(event.clipboardData?.files);
    if (!found.length) return;
    event.preventDefault();
    change(found);
  });
  form.addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  form.addEventListener("drop", (event) => {
    const found = pictures(event.dataTransfer?.files);
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (found.length) change(found);
  });
}
