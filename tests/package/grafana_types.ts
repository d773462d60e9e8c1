// What Grafana's own types say of a dashboard, made strict where they are loose: a panel's options and field options are
// those of its plugin, a query's properties those of its data source. JSON has words where the types have enums, so
// each enum becomes the words (or numbers) that it stands for.
import type { Dashboard, FieldConfig, FieldConfigSource, GraphFieldConfig, Panel, RowPanel, VariableModel } from '@grafana/schema';
import type { CloudWatchMetricsQuery } from '@grafana/schema/dist/esm/raw/composable/cloudwatch/dataquery/x/CloudWatchDataQuery_types.gen';
import type { CloudMonitoringQuery } from '@grafana/schema/dist/esm/raw/composable/googlecloudmonitoring/dataquery/x/GoogleCloudMonitoringDataQuery_types.gen';
import type { AzureMonitorQuery, AzureQueryType } from '@grafana/schema/dist/esm/raw/composable/azuremonitor/dataquery/x/AzureMonitorDataQuery_types.gen';
import type { ElasticsearchDataQuery } from 'grafana-schema-12/dist/esm/raw/composable/elasticsearch/dataquery/x/ElasticsearchDataQuery_types.gen';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as TableOptions, FieldConfig as TableFieldConfig } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { Options as TextOptions } from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type { Options as TimeSeriesOptions } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

export type Plain<T> = unknown extends T ? T
  : T extends string ? `${T}`
  : T extends number ? (`${T}` extends `${infer N extends number}` ? N : never)
  : T extends boolean | null | undefined ? T
  : T extends Array<infer U> ? Array<Plain<U>>
  : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;

type PanelOf<Kind extends string, Options, Custom> = Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> & {
  type: Kind;
  options: Options;
  fieldConfig?: { defaults: Omit<FieldConfig, 'custom'> & { custom?: Custom }; overrides: FieldConfigSource['overrides'] };
};

export type Head = Plain<Omit<Dashboard, 'panels' | 'templating'>>;
export type Variable = Plain<VariableModel>;
export type Row = Plain<RowPanel>;
export type Stat = Plain<PanelOf<'stat', StatOptions, Record<string, never>>>;
export type Table = Plain<PanelOf<'table', TableOptions, Partial<TableFieldConfig>>>;
export type Text = Plain<PanelOf<'text', TextOptions, Record<string, never>>>;
export type TimeSeries = Plain<PanelOf<'timeseries', TimeSeriesOptions, GraphFieldConfig>>;
export type CloudWatch = Plain<CloudWatchMetricsQuery>;
export type Google = Plain<Omit<CloudMonitoringQuery, 'queryType'>> & { queryType: 'promQL' | 'timeSeriesList' };
export type Azure = Plain<Omit<AzureMonitorQuery, 'queryType'> & { queryType: AzureQueryType }>;
// History's, of the last release whose package has them: since 13 the data source's types are within its own plugin.
// OpenSearch's plugin publishes none; its queries are the same with two more words (src/types.ts there).
export type History = Plain<ElasticsearchDataQuery>;
export type OpenSearch = Plain<Omit<ElasticsearchDataQuery, 'queryType'>> & { queryType: 'lucene' | 'PPL'; luceneQueryType: 'Metric' };
