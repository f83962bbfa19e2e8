/*
 * filter.js - what passes a subscription's filter.  The server's rule: docs/protocol.md, "What passes".
 */
/** Actions that are about a whole table. */
export const OF_ALL_ROWS = new Set(['truncated', 'reload']);

/* Scalars as they are compared: 7 and "7" are the same. */
function form(value) {
	if (value === undefined || value === null || typeof value === 'boolean')
		return value;
	return typeof value === 'object' ? undefined : String(value);
}

function has(list, value) {
	return value !== undefined && [list].flat().some((item) => form(item) === value);
}

/* All that one filter asks, of one version of a row. */
function holds({ types, actions, project_ids, bug_report_ids, where }, { type, action }, row) {
	const among = (list, value) => !Array.isArray(list) || !list.length || has(list, value);
	const field = (name) => form(row[name]);
	const tellsLess = (name) => action === 'moved_out' && row[name] === undefined;
	const routed = (list, entity, name) => among(list, field(type === entity ? 'id' : name)) || tellsLess(name);

	const isSchema = type === 'schema';		/* is of the type that it is about, too */

	return (among(types, type) || (isSchema && among(types, row.type))) && among(actions, action) && (isSchema || OF_ALL_ROWS.has(action) ||
		(routed(project_ids, 'project', 'project_id') && routed(bug_report_ids, 'bug_report', 'bug_report_id') &&
			Object.entries(where ?? {}).every(([name, list]) => has(list, field(name)) || tellsLess(name))));
}

/** Does an event pass a subscription's filter?  The server's rule: an update by what the row is or was. */
export function passes(filter, event) {
	const { payload = {}, changes } = event;
	const pass = (row) => holds(filter, event, row) && (!filter.any?.length || filter.any.some((one) => holds(one, event, row)));

	return !filter || pass(payload) ||
		Boolean(changes) && pass({ ...payload, ...Object.fromEntries(Object.entries(changes).map(([name, [old]]) => [name, old])) });
}

/** A filter as some that need no "any", which together let pass what it does, or more. */
export function alternatives({ any, conflate, ...filter }) {
	return !any?.length ? [filter] :
		any.map((one) => ({ ...filter, ...one, ...filter.where && { where: { ...filter.where, ...one.where } } }));
}
