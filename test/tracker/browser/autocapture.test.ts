import { describe, expect, it } from 'vitest';
import { linkProperties, propertiesOf } from '../../../src/tracker/browser/autocapture.js';
import { campaignOf } from '../../../src/tracker/browser/campaign.js';

describe('attributes', () => {
  it('become properties, with the underscores of Google Analytics 4', () => {
    const attributes = [
      { name: 'class', value: 'big' },
      { name: 'data-penstock-event', value: 'add_to_cart' },
      { name: 'data-penstock-item-id', value: '0012' },
      { name: 'data-penstock-value', value: '12.5' },
      { name: 'data-penstock-quantity', value: '2' },
    ];
    expect(propertiesOf(attributes)).toEqual({ item_id: '0012', value: 12.5, quantity: 2 });
  });

  it('stay text where a number is expected and none is there', () => {
    const attributes = ['', 'many'].map((value) => ({ name: 'data-penstock-value', value }));
    expect(attributes.map((attribute) => propertiesOf([attribute]))).toEqual([{ value: '' }, { value: 'many' }]);
  });
});

describe('a link', () => {
  const link = { href: 'https://other.example/a', hostname: 'other.example', textContent: ' Go ' };

  it('says where it leads and whether that is another site', () => {
    expect(linkProperties(link, 'shop.example')).toEqual({
      link_url: 'https://other.example/a',
      link_domain: 'other.example',
      link_text: 'Go',
      outbound: true,
    });
    expect(linkProperties(link, 'other.example')).toMatchObject({ outbound: false });
  });

  it.each(['mailto:', 'tel:', 'javascript:'])('to %s is nobody’s business', (protocol) => {
    expect(linkProperties({ ...link, href: `${protocol}somebody`, hostname: '' }, 'shop.example')).toBeUndefined();
  });
});

describe('a campaign', () => {
  it('is what the utm parameters say', () => {
    expect(campaignOf('?utm_source=news&utm_medium=email&utm_campaign=spring%20sale&x=1')).toEqual({
      source: 'news',
      medium: 'email',
      campaign: 'spring sale',
    });
  });

  it('is absent without them', () => {
    expect(campaignOf('?x=1&utm_=a&__proto__=b')).toBeUndefined();
  });
});
