// Files dragged or pasted into the composer are attached like those that were chosen by hand.

export function startDropped() {
  // A file dropped beside the composer would be opened in the place of this page, and a call with it.
  for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => hasFiles(event.dataTransfer) && event.preventDefault());
  document.addEventListener("drop", (event) => event.target.closest?.("#composer") && attach(event.dataTransfer));
  document.addEventListener("paste", (event) => {
    if (!event.target.closest?.("#composer") || !hasFiles(event.clipboardData) || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    attach(event.clipboardData);
  });
}

const hasFiles = (data) => Boolean(data?.types.includes("Files"));

function attach(data) {
  const input = document.querySelector("#composer [data-files]");
  if (!input || !data.files.length) return;
  const all = new DataTransfer();
  for (const file of [...input.files, ...data.files]) all.items.add(file);
  input.files = all.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}
