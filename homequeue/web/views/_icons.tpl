<svg class="sprite" aria-hidden="true" focusable="false">
<symbol id="i-mark" viewBox="0 0 32 32"><path class="mark-roof" d="M4 14.2 16 4l12 10.2"/><rect class="mark-a" x="7" y="17" width="8" height="11" rx="2"/><rect class="mark-b" x="17" y="17" width="8" height="5" rx="1.6"/><rect class="mark-c" x="17" y="23.6" width="8" height="4.4" rx="1.6"/></symbol>
<symbol id="i-photos" viewBox="0 0 24 24"><rect x="3.5" y="6.5" width="17" height="14" rx="3"/><path d="M7 3.5h10M4 17.5l4.6-4.4a2 2 0 0 1 2.8 0l3.1 3m-1.3-1.3 1.5-1.4a2 2 0 0 1 2.7 0l2.9 2.7"/><circle cx="15.5" cy="10.7" r="1.2"/></symbol>
<symbol id="i-upload" viewBox="0 0 24 24"><path d="M12 15.5V4m0 0L7.5 8.5M12 4l4.5 4.5M4 15v2.5A2.5 2.5 0 0 0 6.5 20h11a2.5 2.5 0 0 0 2.5-2.5V15"/></symbol>
<symbol id="i-activity" viewBox="0 0 24 24"><path d="M3 12.5h3.6L9.5 5l5 14.5 2.9-7H21"/></symbol>
<symbol id="i-trash" viewBox="0 0 24 24"><path d="M4.5 7h15M9.5 7V5a1.5 1.5 0 0 1 1.5-1.5h2A1.5 1.5 0 0 1 14.5 5v2m-8 0 .8 11.2A2.5 2.5 0 0 0 9.8 20.5h4.4a2.5 2.5 0 0 0 2.5-2.3L17.5 7M10.3 11v5.5m3.4-5.5v5.5"/></symbol>
<symbol id="i-left" viewBox="0 0 24 24"><path d="m14.5 5.5-6.5 6.5 6.5 6.5"/></symbol>
<symbol id="i-right" viewBox="0 0 24 24"><path d="m9.5 5.5 6.5 6.5-6.5 6.5"/></symbol>
<symbol id="i-close" viewBox="0 0 24 24"><path d="m6 6 12 12M18 6 6 18"/></symbol>
<symbol id="i-download" viewBox="0 0 24 24"><path d="M12 4v11.5m0 0L7.5 11m4.5 4.5 4.5-4.5M4.5 20h15"/></symbol>
<symbol id="i-restore" viewBox="0 0 24 24"><path d="M8.5 5 4.5 9l4 4M4.5 9H14a5.5 5.5 0 0 1 0 11H9.5"/></symbol>
<symbol id="i-retry" viewBox="0 0 24 24"><path d="M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9m0-4.5V9H15"/></symbol>
<symbol id="i-alert" viewBox="0 0 24 24"><path d="M12 8.5v4.7m0 3v.1M10.3 4.6 3.4 16.7A2 2 0 0 0 5.1 19.7h13.8a2 2 0 0 0 1.7-3L13.7 4.6a2 2 0 0 0-3.4 0Z"/></symbol>
<symbol id="i-check" viewBox="0 0 24 24"><path d="m5 12.7 4.5 4.5L19 7.5"/></symbol>
<symbol id="i-heart" viewBox="0 0 24 24"><path d="M12 19.5S4.5 15.2 4.5 9.7A4.1 4.1 0 0 1 12 7.4a4.1 4.1 0 0 1 7.5 2.3c0 5.5-7.5 9.8-7.5 9.8Z"/></symbol>
<symbol id="i-search" viewBox="0 0 24 24"><circle cx="10.8" cy="10.8" r="6.3"/><path d="m15.5 15.5 5 5"/></symbol>
<symbol id="i-play" viewBox="0 0 24 24"><path d="M8 5.5v13l10.5-6.5Z"/></symbol>
<symbol id="i-live" viewBox="0 0 24 24"><circle cx="12" cy="12" r="2.8"/><circle cx="12" cy="12" r="5.8"/><circle cx="12" cy="12" r="9" stroke-dasharray=".1 3.04"/></symbol>
<symbol id="i-pause" viewBox="0 0 24 24"><path d="M8.5 5.5v13m7-13v13"/></symbol>
<symbol id="i-clock" viewBox="0 0 24 24"><circle cx="12" cy="12" r="8.5"/><path d="M12 7.5V12l3 2"/></symbol>
</svg>
