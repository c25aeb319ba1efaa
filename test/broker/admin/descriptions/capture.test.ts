import { describe, expect, it } from 'vitest';
import { captureElement, readCaptureElement } from '../../../../src/broker/admin/descriptions/capture.js';
import { parseXml } from '../../../../src/broker/admin/xml.js';
import type { CaptureDefinition } from '../../../../src/broker/topology/index.js';

const NAME_FORMAT = '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}';
const BLOB = '<Name>EventHubArchive.AzureBlockBlob</Name>';
const TARGET = '<BlobContainer>raw</BlobContainer>';

const destination = (properties = TARGET, name = BLOB) =>
  `<Destination>${name}<Properties>${properties}</Properties></Destination>`;
const read = (fields: string) =>
  readCaptureElement(parseXml(`<CaptureDescription>${fields}</CaptureDescription>`), 'ns');

describe('the CaptureDescription of the administration API', () => {
  it('has the defaults of Azure', () => {
    expect(read(`<Enabled>true</Enabled>${destination()}`)).toEqual({
      encoding: 'Avro',
      intervalMs: 300_000,
      sizeLimitBytes: 314_572_800,
      skipEmptyArchives: false,
      container: 'raw',
      nameFormat: NAME_FORMAT,
      namespace: 'ns',
    });
  });

  it('is none when it is switched off, whatever else it says', () => {
    expect(read('<Enabled>false</Enabled>')).toBeUndefined();
    expect(read(`<Encoding>Avro</Encoding>${destination()}`)).toBeUndefined();
  });

  it('is written as it is read, with all its settings', () => {
    const capture: CaptureDefinition = {
      encoding: 'AvroDeflate',
      intervalMs: 60_000,
      sizeLimitBytes: 10_485_760,
      skipEmptyArchives: true,
      container: 'raw',
      nameFormat: `<&>/${NAME_FORMAT}`,
      namespace: 'ns',
      storageAccountResourceId: '/subscriptions/1/storageAccounts/shop',
    };
    const { xml } = captureElement(capture);
    expect(readCaptureElement(parseXml(xml), 'ns')).toEqual(capture);
    expect([...xml.matchAll(/<([A-Za-z]+)>/g)].map(([, name]) => name)).toEqual([
      'CaptureDescription',
      'Enabled',
      'Encoding',
      'IntervalInSeconds',
      'SizeLimitInBytes',
      'Destination',
      'Name',
      'Properties',
      'StorageAccountResourceId',
      'BlobContainer',
      'ArchiveNameFormat',
      'SkipEmptyArchives',
    ]);
  });

  it('takes the properties of the destination as the pairs of a dictionary too', () => {
    const pair = (key: string, value: string) =>
      `<a:KeyValueOfstringanyType><a:Key>${key}</a:Key><a:Value i:type="s:string">${value}</a:Value></a:KeyValueOfstringanyType>`;
    const pairs = pair('BlobContainer', 'other') + pair('ArchiveNameFormat', `x/${NAME_FORMAT}`) + pair('Unknown', '1');
    expect(read(`<Enabled>true</Enabled>${destination(pairs)}`)).toMatchObject({
      container: 'other',
      nameFormat: `x/${NAME_FORMAT}`,
    });
  });

  it.each([
    ['captureDescription.destination', ''],
    ['captureDescription.destination.properties', `<Destination>${BLOB}</Destination>`],
    ['captureDescription.destination.properties.blobContainer', destination('')],
    ['captureDescription.destination.name', destination(TARGET, '')],
    ['captureDescription.destination.name', destination(TARGET, '<Name>EventHubArchive.AzureDataLake</Name>')],
    ['captureDescription.encoding', `${destination()}<Encoding>Parquet</Encoding>`],
    ['CaptureDescription.IntervalInSeconds', `${destination()}<IntervalInSeconds>often</IntervalInSeconds>`],
    ['CaptureDescription.SkipEmptyArchives', `${destination()}<SkipEmptyArchives>some</SkipEmptyArchives>`],
  ])('is refused by the name of what is wrong: %s', (name, fields) => {
    expect(() => read(`<Enabled>true</Enabled>${fields}`)).toThrow(name);
  });
});
