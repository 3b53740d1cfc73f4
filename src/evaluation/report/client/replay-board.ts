/** Browser code: one board, which shows an episode at a control step. */
export const REPLAY_BOARD = `
function createBoard(figure) {
  const part = (name) => figure.querySelector('[data-part="' + name + '"]');
  const [caption, trail, block, agent, target, status] = ['caption', 'trail', 'block', 'agent', 'target', 'status'].map(part);
  return {
    hide() {
      figure.hidden = true;
    },
    show(strategy, episode, wanted) {
      figure.hidden = false;
      const tick = Math.min(wanted, episode.ticks);
      const [agentX, agentY, blockX, blockY, angle] = episode.states.slice(5 * tick, 5 * tick + 5);
      caption.textContent = strategy.name;
      caption.style.setProperty('--colour', strategy.colour);
      agent.setAttribute('transform', 'translate(' + agentX + ' ' + agentY + ')');
      block.setAttribute('transform', 'translate(' + blockX + ' ' + blockY + ') rotate(' + (angle * 180) / Math.PI + ')');
      const places = [];
      for (let at = 0; at <= tick; at++) places.push(episode.states[5 * at] + ',' + episode.states[5 * at + 1]);
      trail.setAttribute('points', places.join(' '));
      // The target that led here; before the first control step there is none.
      target.style.display = tick === 0 ? 'none' : '';
      if (tick > 0) target.setAttribute('transform', 'translate(' + episode.targets[2 * tick - 2] + ' ' + episode.targets[2 * tick - 1] + ')');
      status.textContent = statusOf(episode, tick);
    },
  };
}

function statusOf(episode, tick) {
  const rewards = episode.rewards.slice(0, tick);
  const decision = episode.decisionTicks.filter((at) => at < Math.max(1, tick)).length;
  const parts = [
    'reward ' + (rewards.at(-1) ?? 0).toFixed(3),
    'best so far ' + Math.max(0, ...rewards).toFixed(3),
    'decision ' + decision + ' of ' + episode.decisionTicks.length,
  ];
  if (tick === episode.ticks) parts.push(episode.failure ?? (episode.success ? 'success' : 'ended') + ' after ' + tick + ' steps');
  return parts.join(' · ');
}
`;
