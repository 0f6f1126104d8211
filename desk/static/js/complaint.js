// The complaint form: says at once when a file is too large or there are too many, and is sent only once. Works without this, too.

const files = document.querySelector("[data-files]");
const problem = document.querySelector("[data-files-error]");

files?.addEventListener("change", () => {
  const chosen = [...files.files];
  const large = chosen.find((file) => file.size > Number(files.dataset.largest));
  let sentence = "";
  if (chosen.length > Number(files.dataset.most)) sentence = files.dataset.tooMany;
  else if (large) sentence = files.dataset.tooLarge.replace("{name}", large.name);
  problem.textContent = sentence;
  problem.hidden = !sentence;
  files.setCustomValidity(sentence);
});

document.querySelector("form[data-once]")?.addEventListener("submit", (event) => {
  const form = event.currentTarget;
  if (files?.validationMessage) {
    event.preventDefault();
    files.focus();
    return;
  }
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
  // Going back to the page must not leave a form that cannot be sent.
  addEventListener("pageshow", () => delete form.dataset.sent, { once: true });
});
