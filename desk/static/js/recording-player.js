// A recording in a page (the macro ui.audio): play and pause, move by the arrows (five seconds) and by the slider, speed.

const STEP_S = 5;

for (const player of document.querySelectorAll("[data-player]")) start(player);
// A page that is alive brings players later: when a recording has been fetched from the carrier.
document.body.addEventListener("live:morphed", () => {
  for (const player of document.querySelectorAll("[data-player]:not([data-started])")) start(player);
});

function start(player) {
  player.dataset.started = "";
  const sound = player.querySelector("audio");
  const button = player.querySelector("[data-plays]");
  const slider = player.querySelector("[data-seeks]");
  const speed = player.querySelector("[data-speed]");
  const fault = player.querySelector(".player-fault");
  let moving = false;

  const show = () => {
    const at = moving ? Number(slider.value) : sound.currentTime;
    if (!moving) slider.value = at;
    player.querySelector("[data-at]").value = clock(at);
    slider.setAttribute("aria-valuetext", clock(at));
    const word = sound.paused ? button.dataset.playWord : button.dataset.pauseWord;
    button.ariaLabel = button.title = word;
    player.toggleAttribute("data-playing", !sound.paused);
  };
  // Where nobody has told us the length, the sound itself does.
  sound.addEventListener("loadedmetadata", () => {
    if (!Number.isFinite(sound.duration)) return;
    slider.max = Math.ceil(sound.duration);
    player.querySelector("[data-length]").textContent = clock(sound.duration);
    if (moving || Number(slider.value)) sound.currentTime = Number(slider.value);
  });
  for (const event of ["timeupdate", "play", "pause", "ended", "seeked"]) sound.addEventListener(event, show);
  sound.addEventListener("error", () => (fault.hidden = false));
  button.addEventListener("click", () => {
    fault.hidden = true;
    if (sound.paused) sound.play().catch(() => (fault.hidden = false));
    else sound.pause();
  });
  slider.addEventListener("input", () => {
    moving = true;
    show();
  });
  slider.addEventListener("change", () => {
    moving = false;
    go(Number(slider.value));
  });
  slider.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -STEP_S, ArrowDown: -STEP_S, ArrowRight: STEP_S, ArrowUp: STEP_S };
    if (!(event.key in steps)) return;
    event.preventDefault();
    go(Math.max(0, Math.min(Number(slider.max), Number(slider.value) + steps[event.key])));
  });
  speed.addEventListener("change", () => (sound.playbackRate = Number(speed.value)));

  function go(at) {
    slider.value = at;
    if (sound.readyState) sound.currentTime = at;
    else sound.load();
    show();
  }
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
