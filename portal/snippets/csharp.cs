using System;
using System.Threading;
using QuixStreams.Streaming;
using QuixStreams.Telemetry.Kafka;

Environment.SetEnvironmentVariable("Quix__Portal__Api", "{{portalApi}}");
var client = new QuixStreamingClient("{{token}}");

using var consumer = client.GetTopicConsumer("{{topic}}", "hello-csharp", autoOffset: AutoOffsetReset.Earliest);
consumer.OnStreamReceived += (_, stream) =>
{
    stream.Timeseries.OnDataReceived += (_, received) =>
    {
        foreach (var row in received.Data.Timestamps)
            Console.WriteLine($"{stream.StreamId} {row.Timestamp} {row.Parameters["number"].NumericValue}");
    };
};
consumer.Subscribe();

using var producer = client.GetTopicProducer("{{topic}}");
var sending = producer.CreateStream("hello");
sending.Timeseries.Buffer.AddTimestamp(DateTime.UtcNow).AddValue("number", 42).Publish();
sending.Timeseries.Flush();
sending.Close();

// Prints what comes for ten seconds.
Thread.Sleep(TimeSpan.FromSeconds(10));
