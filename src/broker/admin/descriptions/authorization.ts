import type { AccessRight, AuthorizationRule } from '../../topology/types.js';
import { badRequest } from '../errors.js';
import { childOf, type Element, field, tag, type Xml } from '../xml.js';

const RIGHTS: readonly AccessRight[] = ['Manage', 'Send', 'Listen'];
const TYPE = 'SharedAccessAuthorizationRule';

function readRights(rule: Element): AccessRight[] {
  const given = (childOf(rule, 'Rights')?.children ?? []).map(({ text }) => {
    const right = RIGHTS.find((known) => known.toLowerCase() === text.trim().toLowerCase());
    if (right === undefined) throw badRequest(`A right of an authorization rule is one of ${RIGHTS.join(', ')}.`);
    return right;
  });
  return RIGHTS.filter((right) => given.includes(right));
}

function readRule(rule: Element, newKey: () => string): AuthorizationRule {
  const text = (name: string) => childOf(rule, name)?.text.trim() || undefined;
  const type = rule.attributes.get('type')?.replace(/^.*:/, '') ?? TYPE;
  if (type !== TYPE || (text('ClaimType') ?? 'SharedAccessKey') !== 'SharedAccessKey')
    throw badRequest('An authorization rule is a SharedAccessAuthorizationRule with the claim type SharedAccessKey.');
  const keyName = text('KeyName');
  if (keyName === undefined) throw badRequest('An authorization rule has no KeyName.');
  return {
    keyName,
    rights: readRights(rule),
    primaryKey: text('PrimaryKey') ?? newKey(),
    secondaryKey: text('SecondaryKey') ?? newKey(),
  };
}

/** Undefined where the description does not speak of them; empty where it takes them away. */
export function readAuthorizationRules(
  description: Element,
  newKey: () => string,
): readonly AuthorizationRule[] | undefined {
  const list = childOf(description, 'AuthorizationRules');
  return list?.children.map((rule) => readRule(rule, newKey));
}

/** Clients take an element without content for no rules. */
export const authorizationRulesField = (rules: readonly AuthorizationRule[]): Xml =>
  tag(
    'AuthorizationRules',
    {},
    ...rules.map((rule) =>
      tag(
        'AuthorizationRule',
        { 'i:type': TYPE },
        field('ClaimType', 'SharedAccessKey'),
        field('ClaimValue', 'None'),
        tag('Rights', {}, ...rule.rights.map((right) => tag('AccessRights', {}, right))),
        field('KeyName', rule.keyName),
        field('PrimaryKey', rule.primaryKey),
        field('SecondaryKey', rule.secondaryKey),
      ),
    ),
  );
