// Asks the browser for a passkey when a form's button is pressed, and sends the answer with the form. The challenge
// is in the page, as JSON. webauthnJSON (django-allauth's copy) converts between JSON and what browsers expect.
"use strict";

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const button = form.querySelector("[data-passkey-button]");
  const failed = form.querySelector("[data-passkey-failed]");
  const fields = form.elements;

  async function ask() {
    const ceremony = JSON.parse(document.getElementById("ceremony").textContent);
    const make = form.dataset.passkey === "create" ? webauthnJSON.create : webauthnJSON.get;
    failed.hidden = true;
    button.disabled = true;
    try {
      fields.namedItem("credential").value = JSON.stringify(await make(ceremony));
      form.submit();
    } catch {
      failed.hidden = false; // the user cancelled, or the browser has no passkey for this site
    } finally {
      button.disabled = false;
    }
  }

  button.addEventListener("click", ask);
  // Enter in the name's field would send the form without a passkey.
  form.addEventListener("submit", (event) => { event.preventDefault(); ask(); });
}
