import type { WardList } from '@healthsync/contracts/patient';
import { useQuery } from '@tanstack/react-query';
import { api } from '../api.ts';
import { useServices } from '../services.ts';
import { changeSettings, useSettings } from '../settings.ts';
import type { Names } from './names.ts';
import type { WallOrder } from './tile-order.ts';

/** Which ward, in which order, with names or without, by day or by night. */
export function WallControls({
  names,
  order,
  onOrder,
}: {
  readonly names: Names;
  readonly order: WallOrder;
  readonly onOrder: (order: WallOrder) => void;
}) {
  const { store } = useServices();
  const { ward, night } = useSettings();
  const wards = useQuery({ queryKey: ['wards'], queryFn: () => api<WardList>('/api/wards'), staleTime: 60_000 });
  const choices = wards.data?.wards ?? store.wards();
  return (
    <div className="wall-controls">
      <label>
        <span className="unseen">Ward</span>
        <select value={ward ?? ''} onChange={(event) => changeSettings({ ward: event.target.value || undefined })}>
          <option value="">All wards</option>
          {choices.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label className="wall-order">
        <span className="unseen">Order</span>
        <select value={order} onChange={(event) => onOrder(event.target.value as WallOrder)}>
          <option value="bed">By bed</option>
          <option value="priority">By priority</option>
        </select>
      </label>
      {names.isAllowed && (
        <label className="check">
          <input type="checkbox" checked={names.isOn} onChange={names.toggle} /> Names
        </label>
      )}
      <label className="check">
        <input type="checkbox" checked={night} onChange={() => changeSettings({ night: !night })} /> Night
      </label>
    </div>
  );
}
