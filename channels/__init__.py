"""The world in and out: mail, voice, chat and forms, each in a folder that knows neither the desk nor the others."""
