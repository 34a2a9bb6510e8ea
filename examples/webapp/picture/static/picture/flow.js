// Replaces the picture as soon as the session had another exchange. Without this script, reloading does the same.
"use strict";

const EVERY = 1000; // milliseconds

async function refresh(picture) {
  const answer = await fetch(location.href, { cache: "no-store" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const current = page.getElementById("picture");
  if (!current) return;
  const focused = document.activeElement && document.activeElement.id;
  picture.replaceWith(current);
  if (focused) document.getElementById(focused)?.focus();
}

async function look() {
  const picture = document.getElementById("picture");
  if (!document.hidden) {
    try {
      const answer = await fetch(picture.dataset.watch, { cache: "no-store" });
      const { version } = await answer.json();
      if (String(version) !== picture.dataset.version) await refresh(picture);
    } catch {
      // The application does not answer. The next look tries again.
    }
  }
  setTimeout(look, EVERY);
}

setTimeout(look, EVERY);
