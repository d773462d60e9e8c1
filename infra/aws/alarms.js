'use strict';

// The alarms that a deployment has only where the configuration asks for them; the others stand in alarms.yml.

const SECONDS = 7200; // of the six hours that runs make up for; a restart of the server wakes nobody

module.exports = (deploy) => ({
  names: clouds(deploy).map((cloud) => `HistoryNotKept-${cloud}`),
  Resources: Object.fromEntries(clouds(deploy).map((cloud) => [`HistoryNotKept${cloud}`, historyNotKept(cloud, deploy)])),
});

// Each cloud's functions keep their own history: one may reach the server while another does not.
const clouds = ({ history, clouds, from_aws }) => (history ? [...clouds, ...from_aws] : []);

function historyNotKept(cloud, { fleet, namespace, every }) {
  const tell = [{ Ref: 'AlertTopic' }];
  return {
    Type: 'AWS::CloudWatch::Alarm',
    Properties: {
      AlarmName: `\${self:custom.name}-HistoryNotKept-${cloud}`,
      AlarmDescription:
        `What nephoscope ${fleet} reads of ${cloud} has not been kept in Elasticsearch for two hours; in four more the ` +
        'oldest is lost. `nephoscope status` says why. Alerts and the dashboard go on.',
      Namespace: namespace,
      MetricName: 'nephoscope.history_owed',
      Dimensions: [
        { Name: 'cloud_provider', Value: cloud },
        { Name: 'fleet', Value: fleet },
      ],
      Statistic: 'Maximum',
      Period: every,
      EvaluationPeriods: 2,
      Threshold: SECONDS,
      ComparisonOperator: 'GreaterThanThreshold',
      TreatMissingData: 'notBreaching', // NoHeartbeat tells when nothing is said at all
      AlarmActions: tell,
      OKActions: tell,
    },
  };
}
