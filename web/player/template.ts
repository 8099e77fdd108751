/** What the player is made of. Static: nothing of a video is ever put into this text. */

const ICONS = {
  quality: 'M3 6h10M17 6h4M15 4v4M3 12h4M11 12h10M9 10v4M3 18h12M19 18h2M17 16v4',
  captions: 'M3 5h18v14H3zM10.500 10.200a2.200 2.200 0 1 0 0 3.600M17.500 10.200a2.200 2.200 0 1 0 0 3.600',
  format: 'M12 3 3 7.5l9 4.5 9-4.5zM3 12l9 4.5 9-4.5M3 16.5 12 21l9-4.5',
  sound: 'M9 18V6l11-2v12M9 18a3 3 0 1 1-6 0 3 3 0 0 1 6 0zM20 16a3 3 0 1 1-6 0 3 3 0 0 1 6 0z',
  speed: 'M4.9 18a9 9 0 1 1 14.2 0M12 13l4-4',
  keyboard: 'M3 6h18v12H3zM7 10h.01M12 10h.01M17 10h.01M8 14h8',
};

const submenu = (name: string, label: string, icon: keyof typeof ICONS) => `
  <media-settings-menu-item class="entry" data-menu="${name}">
    <svg slot="prefix" class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[icon]}"/></svg>
    ${label}
    <span slot="description" class="description" data-testid="${name}-value"></span>
    <media-chrome-menu slot="submenu" id="${name}-menu" data-testid="${name}-menu" hidden>
      <span slot="title">${label}</span>
    </media-chrome-menu>
  </media-settings-menu-item>`;

/** The shadow tree of `<sluice-player>`. */
export const TEMPLATE = `
<media-controller id="controller" nohotkeys breakpoints="xs:260 sm:384">
  <video id="media" slot="media" playsinline preload="auto" data-testid="media"></video>
  <div id="poster" slot="poster" aria-hidden="true"></div>
  <div id="stage" slot="poster" aria-hidden="true">
    <svg viewBox="0 0 96 48"><path d="M4 24v0M12 18v12M20 12v24M28 20v8M36 6v36M44 14v20M52 19v10M60 9v30M68 16v16M76 21v6M84 15v18M92 24v0"/></svg>
  </div>

  <div id="spinner" slot="centered-chrome" noautohide role="status" aria-label="Loading"><i></i></div>
  <media-play-button id="big-play" slot="centered-chrome" notooltip data-testid="big-play"></media-play-button>
  <div id="toast" slot="centered-chrome" noautohide aria-hidden="true"></div>

  <div id="shade" aria-hidden="true"></div>

  <media-settings-menu id="settings" anchor="settings-button" data-testid="settings-menu" hidden>
    ${submenu('quality', 'Quality', 'quality')}
    ${submenu('sound', 'Sound', 'sound')}
    ${submenu('captions', 'Captions', 'captions')}
    ${submenu('speed', 'Speed', 'speed')}
    ${submenu('format', 'Format', 'format')}
  </media-settings-menu>

  <media-control-bar id="timeline">
    <media-time-range id="seek" data-testid="seek"></media-time-range>
  </media-control-bar>
  <media-control-bar id="buttons">
    <media-play-button data-testid="play"></media-play-button>
    <span id="volume">
      <media-mute-button data-testid="mute"></media-mute-button>
      <media-volume-range data-testid="volume"></media-volume-range>
    </span>
    <media-time-display showduration notoggle data-testid="time"></media-time-display>
    <span class="gap"></span>
    <media-chrome-button id="captions-button" aria-label="Captions" aria-pressed="false" data-testid="captions" hidden>
      <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS.captions}"/></svg>
      <span slot="tooltip-content">Captions (c)</span>
    </media-chrome-button>
    <media-chrome-button id="help-button" aria-label="Keyboard shortcuts" data-testid="help-button">
      <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS.keyboard}"/></svg>
      <span slot="tooltip-content">Shortcuts (?)</span>
    </media-chrome-button>
    <media-settings-menu-button id="settings-button" invoketarget="settings" data-testid="settings">
      <svg slot="icon" viewBox="0 0 24 24"><path d="M19.4 13a7.6 7.6 0 0 0 0-2l2-1.6a.5.5 0 0 0 .1-.6l-1.9-3.3a.5.5 0 0 0-.6-.2l-2.4 1a7 7 0 0 0-1.7-1l-.4-2.5a.5.5 0 0 0-.5-.4h-3.8a.5.5 0 0 0-.5.4l-.4 2.5a7 7 0 0 0-1.7 1l-2.4-1a.5.5 0 0 0-.6.2L2.7 8.8a.5.5 0 0 0 .1.6l2 1.6a7.6 7.6 0 0 0 0 2l-2 1.6a.5.5 0 0 0-.1.6l1.9 3.3c.1.2.4.3.6.2l2.4-1c.5.4 1.1.7 1.700 1l.4 2.5c0 .2.2.4.5.4h3.8c.3 0 .5-.2.5-.4l.4-2.5a7 7 0 0 0 1.700-1l2.400 1c.2.1.5 0 .6-.2l1.900-3.300a.5.5 0 0 0-.1-.6zM12 15.5a3.5 3.5 0 1 1 0-7 3.5 3.5 0 0 1 0 7z"/></svg>
      <span id="badge" slot="icon" aria-hidden="true"></span>
    </media-settings-menu-button>
    <media-pip-button data-testid="pip"></media-pip-button>
    <media-fullscreen-button data-testid="fullscreen"></media-fullscreen-button>
  </media-control-bar>
</media-controller>

<div id="failure" role="alert" data-testid="player-error" hidden>
  <p id="failure-text"></p>
  <button id="retry" type="button" data-testid="player-retry">Try again</button>
</div>
<dialog id="help" aria-labelledby="help-title" data-testid="shortcuts">
  <h2 id="help-title">Keyboard shortcuts</h2>
  <dl id="help-list"></dl>
  <form method="dialog"><button type="submit">Close</button></form>
</dialog>
`;
