'use strict';

// The alarms that a deployment has only where the configuration asks for them; the others stand in alarms.yml.

const SECONDS = 7200; // of the six hours that runs make up for; a restart of the server wakes nobody

module.exports = (deploy) => ({
  Resources: deploy.history ? { HistoryNotKept: historyNotKept(deploy) } : {},
});

// Each cloud's functions keep their own history, in one server: one alarm tells of all.
function historyNotKept({ clouds, from_aws, fleet, namespace, every }) {
  const tell = [{ Ref: 'AlertTopic' }];
  const owed = [...clouds, ...from_aws].map((cloud) => ({
    Id: cloud,
    ReturnData: false,
    MetricStat: {
      Metric: {
        Namespace: namespace,
        MetricName: 'nephoscope.history_owed',
        Dimensions: [
          { Name: 'cloud_provider', Value: cloud },
          { Name: 'fleet', Value: fleet },
        ],
      },
      Period: every,
      Stat: 'Maximum',
    },
  }));
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: '${self:custom.name}-HistoryNotKept',
      AlarmDescription:
        `What nephoscope ${fleet} reads has not been kept in Elasticsearch for two hours; in four more the oldest is ` +
        'lost. `nephoscope status` says why. Alerts and the dashboard go on.',
      Metrics: [{ Id: 'owed', Expression: 'MAX(METRICS())', Label: 'seconds not kept' }, ...owed],
      EvaluationPeriods: 2,
      Threshold: SECONDS,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching', // NoHeartbeat tells when nothing is said at all
      AlarmActions: tell,
      OKActions: tell,
    },
  };
}
